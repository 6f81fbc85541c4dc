/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversations as other programs write them. */
#ifndef IMPORT_SAMPLES_H
#define IMPORT_SAMPLES_H

/* Two branches, of which the older is the current one; hidden, empty and tools' messages between;
 * a part that is no text; children named in another order than the mapping's. */
static const char sample_chatgpt[] =
    "[{\"title\":\"Rain \\ud83c\\udf27 "
    "\\ud83c\",\"create_time\":1700000000.5,\"update_time\":1700000500.25,"
    "\"mapping\":{"
    "\"root\":{\"id\":\"root\",\"message\":null,\"parent\":null,\"children\":[\"sys\"]},"
    "\"sys\":{\"id\":\"sys\",\"message\":{\"id\":\"sys\",\"author\":{\"role\":\"system\"},"
    "\"create_time\":null,\"content\":{\"content_type\":\"text\",\"parts\":[\"\"]},\"recipient\":"
    "\"all\","
    "\"metadata\":{\"is_visually_hidden_from_conversation\":true}},\"parent\":\"root\","
    "\"children\":[\"u1\"]},"
    "\"u1\":{\"id\":\"u1\",\"message\":{\"author\":{\"role\":\"user\"},\"create_time\":1700000001."
    "0,"
    "\"content\":{\"content_type\":\"multimodal_text\",\"parts\":[{\"content_type\":"
    "\"image_asset_pointer\",\"asset_pointer\":\"file://x\"},\"What is it? \\u0041\"]},"
    "\"recipient\":\"all\",\"metadata\":{}},\"parent\":\"sys\",\"children\":[\"a2\",\"call\"]},"
    "\"call\":{\"message\":{\"author\":{\"role\":\"assistant\"},\"content\":{\"content_type\":"
    "\"code\","
    "\"text\":\"search('rain')\"},\"recipient\":\"browser\"},\"parent\":\"u1\",\"children\":["
    "\"tool\"]},"
    "\"tool\":{\"message\":{\"author\":{\"role\":\"tool\",\"name\":\"browser\"},\"content\":"
    "{\"content_type\":\"tether_quote\",\"text\":\"wet\"},\"recipient\":\"all\"},\"parent\":"
    "\"call\","
    "\"children\":[\"a1\"]},"
    "\"a1\":{\"message\":{\"author\":{\"role\":\"assistant\"},\"create_time\":1700000010.75,"
    "\"content\":{\"content_type\":\"text\",\"parts\":[\"It is\",\"rain.\"]},\"recipient\":\"all\","
    "\"metadata\":{\"model_slug\":\"gpt-4o\"}},\"parent\":\"tool\",\"children\":[\"u2\"]},"
    "\"u2\":{\"message\":{\"author\":{\"role\":\"user\"},\"create_time\":null,\"content\":"
    "{\"content_type\":\"text\",\"parts\":[\"And "
    "snow?\"]},\"recipient\":\"all\"},\"parent\":\"a1\","
    "\"children\":[\"think\"]},"
    "\"think\":{\"message\":{\"author\":{\"role\":\"assistant\"},\"content\":{\"content_type\":"
    "\"thoughts\",\"thoughts\":[]},\"recipient\":\"all\"},\"parent\":\"u2\",\"children\":[]},"
    "\"a2\":{\"message\":{\"author\":{\"role\":\"assistant\"},\"create_time\":1700000005,"
    "\"content\":{\"content_type\":\"text\",\"parts\":[\"A picture.\"]},\"recipient\":\"all\","
    "\"metadata\":{\"model_slug\":\"gpt-4\"}},\"parent\":\"u1\",\"children\":[]}},"
    "\"current_node\":\"think\",\"conversation_id\":\"6543-abc\",\"is_archived\":true,"
    "\"is_starred\":true,\"default_model_slug\":\"auto\"},\n"
    "{\"title\":null,\"create_time\":1600000000,\"update_time\":null,\"mapping\":{"
    "\"x\":{\"message\":{\"author\":{\"role\":\"user\"},\"content\":{\"content_type\":\"text\","
    "\"parts\":[\"Hello there\\nsecond line\"]}},\"parent\":null,\"children\":[]}},"
    "\"current_node\":\"x\",\"id\":\"second\"}]";

static const char sample_openai[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
    "{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello!\"}]}\n"
    "\n"
    "{\"messages\":[{\"role\":\"developer\",\"content\":\"Use tools.\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Look\"},"
    "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x\"}}]},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\"}]},"
    "{\"role\":\"tool\",\"content\":\"42\"},{\"role\":\"assistant\",\"content\":\"It is 42.\"}],"
    "\"model\":\"gpt-x\"}\r\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
    "{\"role\":\"assistant\",\"content\":\"Hello!\"}]}";

static const char sample_sharegpt[] =
    "\xEF\xBB\xBF[\n"
    "  {\"id\":\"identity_0\",\"conversations\":[{\"from\":\"human\",\"value\":\"Who are you?\"},"
    "{\"from\":\"gpt\",\"value\":\"A model.\"}]},\n"
    "  {\"id\":\"identity_1\",\"title\":\"Tea\",\"system\":\"Like tea.\",\"conversation\":"
    "[{\"role\":\"user\",\"content\":\"Tea?\"},{\"role\":\"bot\",\"content\":\"Tea.\"}]},\n"
    "  {\"items\":[{\"from\":\"system\",\"value\":\"Sys\"},{\"from\":\"prompter\",\"value\":\"Q\"},"
    "{\"from\":\"function_call\",\"value\":\"f()\"},{\"from\":\"chatgpt\",\"value\":\"A\"}]}\n"
    "]\n";

#endif
