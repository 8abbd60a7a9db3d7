# cmake --install: the program, the libraries, the headers, and the package `scnn` with its target scnn::scnn.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(SCNN_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/scnn")

# One target for users: all the layers.
get_property(layers GLOBAL PROPERTY SCNN_LAYERS)
add_library(scnn_umbrella INTERFACE)
add_library(scnn::scnn ALIAS scnn_umbrella)
set_target_properties(scnn_umbrella PROPERTIES EXPORT_NAME scnn)
target_compile_features(scnn_umbrella INTERFACE cxx_std_20)
set(targets scnn_umbrella)
foreach(layer IN LISTS layers)
  target_link_libraries(scnn_umbrella INTERFACE scnn_${layer})
  list(APPEND targets scnn_${layer})
endforeach()

if(TARGET scnn)
  install(TARGETS scnn RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  set(share "${PROJECT_BINARY_DIR}/share")
  install(FILES "${share}/scnn.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${share}/scnn" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  install(FILES "${share}/_scnn" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  install(FILES "${share}/scnn.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
endif()
install(TARGETS ${targets} EXPORT scnnTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/scnn" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT scnnTargets NAMESPACE scnn:: DESTINATION "${SCNN_PACKAGE_DIR}")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/scnnConfig.cmake.in" "${PROJECT_BINARY_DIR}/scnnConfig.cmake"
  INSTALL_DESTINATION "${SCNN_PACKAGE_DIR}")
# Before 1.0 any minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/scnnConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/scnnConfig.cmake" "${PROJECT_BINARY_DIR}/scnnConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/FindoneDNN.cmake" "${CMAKE_CURRENT_LIST_DIR}/header_version.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/FindxxHash.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/yaml_target.cmake"
  DESTINATION "${SCNN_PACKAGE_DIR}")
