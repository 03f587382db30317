"""The OpenAPI description of the API, read from the declarations that requests are checked by."""
