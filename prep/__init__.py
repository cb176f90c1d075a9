"""Raw media -> clips, images, flow and references: one module, one stage."""
