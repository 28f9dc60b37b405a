/* SPDX-License-Identifier: GPL-2.0 */
#define IS_ENABLED(CONFIG_OPTION) (0 && (CONFIG_OPTION))
