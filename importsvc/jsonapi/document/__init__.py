"""Response documents, built from declarations of serializers and compiled queries."""
