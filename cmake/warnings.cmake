# own_code(TARGET...): the warnings our own code must be clean under.
function(own_code)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow -Werror)
  endforeach()
endfunction()
