# What the program knows of its build, and the files it carries.  Included in the folder where the libraries are made:
# source properties belong to one folder.
set(scnn_libraries "oneDNN=${oneDNN_VERSION},OpenMP=${OpenMP_CXX_VERSION},zlib=${ZLIB_VERSION_STRING}"
  "yaml-cpp=${yaml-cpp_VERSION},nlohmann-json=${nlohmann_json_VERSION},fmt=${fmt_VERSION},spdlog=${spdlog_VERSION}")
list(JOIN scnn_libraries "," scnn_libraries)
set_source_files_properties(core/version.cpp PROPERTIES COMPILE_DEFINITIONS
  "SCNN_VERSION=\"${PROJECT_VERSION}\";SCNN_BUILD=\"${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, ${CMAKE_BUILD_TYPE}\";SCNN_LIBRARIES=\"${scnn_libraries}\"")

set(report "${CMAKE_CURRENT_SOURCE_DIR}/report")
set(onnx_deploy "${PROJECT_SOURCE_DIR}/tools/bench/onnx_deploy.py")
set_source_files_properties(report/assets.cpp PROPERTIES
  COMPILE_DEFINITIONS "SCNN_CHART_JS=\"${SCNN_CHART_JS}\";SCNN_REPORT_JS=\"${report}/report.js\";SCNN_REPORT_CSS=\"${report}/report.css\";SCNN_ONNX_DEPLOY=\"${onnx_deploy}\""
  OBJECT_DEPENDS "${SCNN_CHART_JS};${report}/report.js;${report}/report.css;${onnx_deploy}")
