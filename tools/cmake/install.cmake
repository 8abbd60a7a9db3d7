# cmake --install: the program, the libraries, the headers, and the package `scnn` with its target scnn::scnn.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
