"""What a probe has to send along that looks for onnxruntime's files."""

NATIVE = "retina_doctor_checks.native"
FOR_LOOK_FILES = tuple(f"{NATIVE}.{name}" for name in ("elf", "fatbin", "installed", "loader", "places", "program"))
