"""The three trained networks: correspondence subnet, colorization subnet, video discriminator (Tables 2-4).

Their layouts follow the appendix; where it is silent, the published program. `width` scales every channel count
(1 = the paper's). Instance norm has no parameters and treats every sample alone.
"""
