"""An index in a collection of Qdrant, for those who have a cluster. See address for how it is named.

A page is a point with three vectors (one, 32 means, all of its tokens) in half precision, and its bytes as stores keep them. What
belongs to the index is said by its log (log, changes): points too, of which each counts wholly or not at all. Candidates are found
in what is kept of it here (cache), as in every store; Qdrant scores them. It was tested on Qdrant Edge and on the client's local
mode, never on a server.
"""
