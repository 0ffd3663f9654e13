"""How do several machines share the work of one installation?

Over one PostgreSQL database, each process with a role. The scheduler tells which hosts are to be
visited, pollers visit them, the organiser files what came in and publishes, webs serve. Of
schedulers and organisers there may be several: the database lets one act at a time.
"""
