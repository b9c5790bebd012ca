"""`retina-doctor` without its isolation, so that a pack on PYTHONPATH is an installed one. How it starts is test_start's."""

import sys

from retina_doctor.main import main

sys.argv[0] = "retina-doctor"
main()
