"""Will somebody tell us when a feed has news, and may we believe them? (W3C WebSub, subscriber).

Pure: the clock and chance come in as arguments. Whoever asks hubs and is asked by them is in
`aggregator.service.push`.
"""
