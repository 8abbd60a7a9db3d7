# header_version(VARIABLE FILE PREFIX PARTS...): VARIABLE becomes "1.2.3" from the lines `#define <PREFIX><PART> 1` of a
# header; empty where it is not there.
function(header_version variable file prefix)
  set(version "")
  foreach(part IN LISTS ARGN)
    if(EXISTS "${file}")
      file(STRINGS "${file}" line REGEX "define ${prefix}${part} +[0-9]+" LIMIT_COUNT 1)
      string(REGEX MATCH "${prefix}${part} +([0-9]+)" _ "${line}")
      list(APPEND version "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  list(JOIN version "." version)
  set(${variable} "${version}" PARENT_SCOPE)
endfunction()
