"""The documents that answer: from what serializers declare, by queries that are compiled once."""
