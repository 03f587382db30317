"""Our dialect of JSON:API: the published page first, then the contract's decisions, then JSON:API 1.1.

Knows no resource. Works on top of djangorestframework-jsonapi, whose serializers declare the resources.
"""
