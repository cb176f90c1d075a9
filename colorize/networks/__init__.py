"""The three trained networks: correspondence subnet, colorization subnet, video discriminator.

Each comes in two protocols: `paper` follows Tables 2-4 and the text, `release` the published program, whose
parameter names it keeps so that published weights load unchanged. docs/paper-vs-release.md lists what differs.
`width` scales every channel count (1 = as published). Instance norm has no parameters and treats every sample alone.
"""
