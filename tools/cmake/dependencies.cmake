# Required libraries come from the system (tools/setup installs them); nothing is vendored or downloaded.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(oneDNN REQUIRED MODULE)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(xxHash REQUIRED MODULE)
if(SCNN_TESTS)
  find_package(Catch2 REQUIRED)   # 2.13 or 3
endif()

# yaml-cpp 0.7 exports `yaml-cpp`, 0.8 `yaml-cpp::yaml-cpp`.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(scnn_yaml INTERFACE IMPORTED)
  target_link_libraries(scnn_yaml INTERFACE yaml-cpp)
else()
  add_library(scnn_yaml ALIAS yaml-cpp::yaml-cpp)
endif()

# Chart.js is inlined into reports.
find_file(SCNN_CHART_JS NAMES chart.min.js chart.umd.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist DOC "Chart.js 3 or later, one minified file")
