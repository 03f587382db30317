"""The pages on which people import a file: server-rendered, one URL for each step, the same services as the API."""
