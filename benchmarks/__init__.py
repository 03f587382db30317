"""How fast the service is, against what it must be as fast as; run by ``script/bench``."""
