from retina_doctor.authoring import Pack

pack = Pack(name="retinaface", domains=())
