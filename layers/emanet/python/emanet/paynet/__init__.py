"""PAYNET's side of the house: its words (`formats`, `rows`, `answer`, `messages`,
`listed`, `ratios`, `wallet`, `callbacks`), its judge (`judging`), its HTTP (`line`,
`pace`, `paging`), what it can be asked (`client`, `money_out`, `books`, `cards`) and
its own form (`form`). Nothing outside this folder knows a field name or a path of
PAYNET."""
