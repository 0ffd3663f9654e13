"""What are the nouns?

Frozen dataclasses that flow from room to room. Times are aware and UTC, sequences are tuples,
texts are plain unless a name says ``html``.
"""
