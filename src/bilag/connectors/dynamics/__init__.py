"""Microsoft Dynamics 365: one folder a product, with the Entra login and OData shared by them.

Which product an address belongs to is told by its host; see docs/connectors.md.
"""
