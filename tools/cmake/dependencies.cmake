# Required libraries come from the system (tools/setup installs them); nothing is vendored or downloaded.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
set(SCNN_PRODUCTS "")
if(SCNN_ONEDNN)
  find_package(oneDNN REQUIRED MODULE)
  set(SCNN_PRODUCTS oneDNN::oneDNN)
endif()
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(xxHash REQUIRED MODULE)
# Data sets of image files; a build without them says so where one is asked for.
find_package(JPEG)
find_package(PNG)
if(SCNN_CUDA)
  find_package(CUDAToolkit REQUIRED)
  # Headers of NVIDIA's libraries, where they are there: device.convolution, and what our kernels are measured against.
  find_package(cuDNN MODULE)
  find_path(cuBLAS_INCLUDE_DIR cublas_v2.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  mark_as_advanced(cuBLAS_INCLUDE_DIR)
endif()
include(yaml_target)
if(SCNN_TESTS)
  find_package(Catch2 REQUIRED)   # 2.13 or 3
  # Checks of the source tree.  The system's Python first: NumPy, PyYAML and PyTorch are packages of that one.
  if(NOT Python3_EXECUTABLE AND EXISTS /usr/bin/python3)
    set(Python3_EXECUTABLE /usr/bin/python3)
  endif()
  find_package(Python3 COMPONENTS Interpreter)
endif()

# Chart.js is inlined into reports.
find_file(SCNN_CHART_JS NAMES chart.min.js chart.umd.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist DOC "Chart.js 3 or later, one minified file")
if(NOT SCNN_CHART_JS)
  message(FATAL_ERROR "Chart.js not found: reports draw with it.  Install libjs-chart.js (tools/setup does), or pass "
    "-DSCNN_CHART_JS=/path/to/chart.min.js")
endif()
