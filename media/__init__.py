"""Pixels and files: colour, images, video, flow files, tables. The bottom layer; imports nothing of ours."""
