"""Can torch be imported, is it a CUDA build, and has it code for these cards?"""
