"""DynamoDB's side of the house: one table, its items, its conditions. Nothing outside
this folder knows an expression or an attribute type."""
