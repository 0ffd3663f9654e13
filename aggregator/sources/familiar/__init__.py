"""Which entries are written as nearly all are, so that feedparser need not be asked?

Its methods are called for every element of an entry, and take ten times as long as expat. Here
the events of expat are held back until an entry is whole (`tape`). If all of its elements are
ones whose rules are known (`elements`, `draft`), it is read here (`reading`); if any is not,
feedparser is given the events, as if nothing had been between.
"""
