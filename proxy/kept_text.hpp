#pragma once

#include <cstddef>
#include <string>

namespace fairlead {

// Empties a text that will be filled again, and gives back memory beyond `most` bytes.
inline void clear_keeping(std::string& text, std::size_t most) {
  text.clear();
  if (text.capacity() > most) std::string().swap(text);
}

}  // namespace fairlead
