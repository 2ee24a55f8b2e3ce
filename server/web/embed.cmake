# The files of a folder as a C source: cmake -DFOLDER=... -DOUT=pages.c -P embed.cmake
# The same files give the same source, byte for byte.
file(GLOB names LIST_DIRECTORIES false RELATIVE "${FOLDER}" "${FOLDER}/*")
list(SORT names)
set(type_css "text/css; charset=utf-8")
set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS names)
  string(REGEX MATCH "[a-z]+$" extension "${name}")
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "${name}: no type is known for .${extension}")
  endif()
  file(READ "${FOLDER}/${name}" bytes HEX)
  file(SHA256 "${FOLDER}/${name}" digest)
  string(SUBSTRING "${digest}" 0 32 digest)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char bytes_${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", \"${type_${extension}}\", \"\\\"${digest}\\\"\", "
    "bytes_${number}, sizeof bytes_${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"server/web/pages.h\"\n\n${arrays}\n"
  "const struct page pages[] = {\n${rows}    {0},\n};\n")
