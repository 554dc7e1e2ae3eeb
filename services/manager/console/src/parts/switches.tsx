import { t } from '../i18n/index.ts'
import { language, languages, theme, themes } from '../state/here.ts'

const names = { en: 'English', zh: '中文' } as const

export const LanguageSwitch = () => (
  <select
    aria-label={t('shell.language')}
    value={language.value}
    onChange={({ currentTarget }) => {
      language.value = languages.find((each) => each === currentTarget.value) ?? 'en'
    }}
  >
    {languages.map((each) => (
      <option key={each} value={each} lang={each === 'zh' ? 'zh-Hans' : 'en'}>
        {names[each]}
      </option>
    ))}
  </select>
)

export const ThemeSwitch = () => (
  <select
    aria-label={t('shell.theme')}
    value={theme.value}
    onChange={({ currentTarget }) => {
      theme.value = themes.find((each) => each === currentTarget.value) ?? 'auto'
    }}
  >
    {themes.map((each) => (
      <option key={each} value={each}>
        {t(`theme.${each}`)}
      </option>
    ))}
  </select>
)
