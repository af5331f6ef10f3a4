"""enrich: a raw alert comes in, a context bundle goes out, the same shape for every kind of alert.

Promised: all sources are asked at once, each with a deadline; one that fails is named in the bundle and blocks nothing;
the number of calls does not grow with the cluster; nothing secret leaves this stage.
"""
