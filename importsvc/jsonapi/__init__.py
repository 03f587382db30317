"""The service's dialect of JSON:API, by the published page, then the contract, then JSON:API 1.1.

Knows no resource. Resources are declared by serializers of djangorestframework-jsonapi.
"""
