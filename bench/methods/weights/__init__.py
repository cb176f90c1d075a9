"""Other people's weights in the formats of their frameworks, and what they become in our networks.

`caffe`, `torch7` and `pth` read files into named arrays and run nothing that a file holds. `convert` renames and scales
them; `published` lists every file there is a use for; `inventory` is the command that shows which are present.
"""
