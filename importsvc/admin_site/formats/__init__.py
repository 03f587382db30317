"""How the admin writes dates, by language: what ``FORMAT_MODULE_PATH`` names."""
