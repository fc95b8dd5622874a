"""PAYNET's side of the house: its words (`formats`, `rows`, `messages`) and its HTTP
(`client`). Nothing outside this folder knows a field name or a path of PAYNET."""
