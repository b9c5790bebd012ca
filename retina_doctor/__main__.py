from retina_doctor.main import main

main()
