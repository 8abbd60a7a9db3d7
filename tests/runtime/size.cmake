# cmake -DLIBRARY= -DSTRIP= -DCOPY= -P size.cmake: the runtime is made for small machines.
set(limit 204800)
file(COPY_FILE "${LIBRARY}" "${COPY}")
execute_process(COMMAND "${STRIP}" --strip-unneeded "${COPY}" COMMAND_ERROR_IS_FATAL ANY)
file(SIZE "${COPY}" size)
if(size GREATER limit)
  message(FATAL_ERROR "${LIBRARY} has ${size} bytes stripped, the limit is ${limit}")
endif()
message("${size} bytes of at most ${limit}")
