"""What a request says: its document, query parameters and headers, checked before anything is done."""
