"""PAYNET's side of the house: its words (`formats`, `rows`, `answer`, `messages`,
`listed`, `callbacks`), its judge (`judging`), its HTTP (`line`, `pace`, `paging`) and
what it can be asked (`client`, `money_out`, `books`). Nothing outside this folder knows
a field name or a path of PAYNET."""
