from retina_doctor.start import restart

restart()
