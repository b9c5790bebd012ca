from retina_doctor.cli import main

main()
