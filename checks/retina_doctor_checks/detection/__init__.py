"""Do the detection settings lose faces, invent them, or break the detector's grid? Judged on settings: no probe."""
