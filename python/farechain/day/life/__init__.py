"""What becomes of a day's trips and invoices afterwards: claimed, handed in, reimbursed, reversed, declared.

Numbers of invoices are the ledger's to give, so this part of the day cannot be written beforehand. It comes
in four turns, each planned from what receipts told of the one before, as the parties' own systems would:

1. trips are claimed, issuers apply for numbers;
2. invoices get holders, titles and locks; companies reimburse, post and use them; sellers reverse some;
3. money is given back for trips in invoices that have moved on;
4. both sides answer about red letters, what was released is claimed again, the month before is declared.

The same ledger gives the same bytes. What each input must become is in the manifest before anybody sends it.
"""

from farechain.day.life.story import TURNS, Life
from farechain.day.life.writing import Wave

__all__ = ["TURNS", "Life", "Wave"]
