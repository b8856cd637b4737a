"""deepglass: a folder of your own data in, a trained, evaluated, explained network of glass out.

import deepglass as dg;  run = dg.train("flowers/");  run.predict("rose.jpg")
"""
