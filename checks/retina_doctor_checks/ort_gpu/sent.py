"""What a probe has to send along that looks for onnxruntime's files."""

NATIVE = "retina_doctor_checks.native"
FOR_LOOK_FILES = (f"{NATIVE}.elf", f"{NATIVE}.fatbin", f"{NATIVE}.installed", f"{NATIVE}.loader", f"{NATIVE}.places")
