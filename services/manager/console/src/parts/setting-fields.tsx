import { useId } from 'preact/hooks'
import { t } from '../i18n/index.ts'
import { emptyDraft, type SettingField } from '../pure/setting-fields.ts'

type Draft = Readonly<Record<string, string>>

const formats = ['rate', 'size', 'duration', 'fill', 'interval'] as const

function hintOf({ sort, format }: SettingField): string {
  const known = formats.find((each) => each === format)
  if (known !== undefined) return t(`setting.format.${known}`)
  return sort === 'list' || sort === 'json' || sort === 'number' ? t(`setting.sort.${sort}`) : ''
}

interface ControlProps {
  readonly field: SettingField
  readonly text: string
  readonly noteId: string
  readonly isWrong: boolean
  readonly change: (text: string) => void
}

function Control({ field: { key, sort, choices }, text, noteId, isWrong, change }: ControlProps) {
  const common = { 'aria-label': key, 'aria-describedby': noteId, 'aria-invalid': isWrong, value: text }
  if (sort === 'truth' || sort === 'choice')
    return (
      <select {...common} onChange={(e) => change(e.currentTarget.value)}>
        {(sort === 'truth' ? ['true', 'false'] : choices).map((each) => (
          <option key={each} value={each}>
            {sort === 'truth' ? t(each === 'true' ? 'setting.yes' : 'setting.no') : each}
          </option>
        ))}
      </select>
    )
  if (sort === 'list' || sort === 'json')
    return <textarea {...common} spellcheck={false} onInput={(e) => change(e.currentTarget.value)} />
  return (
    <input
      {...common}
      spellcheck={false}
      inputMode={sort === 'number' ? 'decimal' : 'text'}
      onInput={(e) => change(e.currentTarget.value)}
    />
  )
}

interface RowProps {
  readonly field: SettingField
  readonly text: string | undefined
  readonly wrong: string | undefined
  readonly change: (text: string | undefined) => void
}

function Row({ field, text, wrong, change }: RowProps) {
  const noteId = useId()
  return (
    <div class="setting">
      <label class="check">
        <input
          type="checkbox"
          checked={text !== undefined}
          onChange={(e) => change(e.currentTarget.checked ? emptyDraft(field) : undefined)}
        />
        <code>{field.key}</code>
      </label>
      {text === undefined ? (
        <span class="muted small">{t('setting.unset')}</span>
      ) : (
        <div class="field">
          <Control field={field} text={text} noteId={noteId} isWrong={wrong !== undefined} change={change} />
          <small id={noteId} class={wrong === undefined ? '' : 'wrong'}>
            {wrong ?? hintOf(field)}
          </small>
        </div>
      )}
    </div>
  )
}

interface FieldsProps {
  readonly fields: readonly SettingField[]
  readonly draft: Draft
  /** What is wrong, by key. */
  readonly wrong: Draft
  readonly change: (draft: Draft) => void
}

/** One row for each key that can be set: whether it is, and to what. */
export const SettingFields = ({ fields, draft, wrong, change }: FieldsProps) => (
  <>
    {fields.map((field) => (
      <Row
        key={field.key}
        field={field}
        text={draft[field.key]}
        wrong={wrong[field.key]}
        change={(text) => {
          const others = Object.entries(draft).filter(([key]) => key !== field.key)
          change(Object.fromEntries(text === undefined ? others : [...others, [field.key, text]]))
        }}
      />
    ))}
  </>
)
