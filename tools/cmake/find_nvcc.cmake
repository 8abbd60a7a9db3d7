# Before project(): where nvcc is, when it is not on the PATH.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(SCNN_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin PATHS /usr/local/cuda/bin)
  mark_as_advanced(SCNN_NVCC)
  if(NOT SCNN_NVCC)
    message(FATAL_ERROR "SCNN_CUDA is ON, but there is no nvcc on the PATH or in /usr/local/cuda/bin.  Install the CUDA "
      "toolkit, pass -DCMAKE_CUDA_COMPILER=/path/to/nvcc, or build for the CPU: cmake --preset cpu-release")
  endif()
  set(CMAKE_CUDA_COMPILER "${SCNN_NVCC}")
endif()
# `native` would ask for a GPU while building.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80;90" CACHE STRING "compute capabilities to compile kernels for")
endif()
