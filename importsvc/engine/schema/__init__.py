"""The types that can be imported: the declaration of a type, the registry of all types, and the checks of both."""
