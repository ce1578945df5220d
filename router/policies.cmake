# One word registers a policy: compiles policies/<word>.cpp, which defines `<word>_policy`, and lists it in the generated
# table. Policies of one stage run in the order given here.
function(add_policies)
  set(POLICY_DECLARATIONS "")
  set(POLICY_ADDRESSES "")
  foreach(word IN LISTS ARGN)
    target_sources(fairlead_router PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/policies/${word}.cpp)
    string(APPEND POLICY_DECLARATIONS "extern const PolicySpec ${word}_policy;\n")
    string(APPEND POLICY_ADDRESSES "      &${word}_policy,\n")
  endforeach()
  set(table ${CMAKE_BINARY_DIR}/generated/router/policies/all_policies.cpp)
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/policies/all_policies.cpp.in ${table} @ONLY)
  target_sources(fairlead_router PRIVATE ${table})
endfunction()

target_sources(fairlead_router PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/policies/known_annotations.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/policies/text.cpp)
add_policies(
  snippets canary app_root cors permanent_redirect ssl_redirect
  body_size timeouts next_upstream unsupported_guards allowlist
  use_regex rewrite_target backend_protocol load_balance
  hsts response_headers)
