"""What `make story CHAPTER=…` plays against the running system, over HTTP, as people
play it: each chapter shows every exchange, expects values, and stops at the first
difference. Nothing here looks inside, but for the end of a chapter: then PAYNET's books
and our table must agree."""
