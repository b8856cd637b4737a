"""How boxes are written down for others: one file per form (COCO, VOC, YOLO, a table), each with a CATALOGUE.

The contract is in `deepglass.data.writers.form`.
"""
