//! The order of the decision, and what is remembered of it.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::base::secret::Secret;

/// A person with one answer to everything, and what they were asked.
struct Person {
    answer: Answer,
    asked: Mutex<Vec<Ask>>,
}

impl Person {
    fn who_says(answer: Answer) -> Self {
        Self { answer, asked: Mutex::default() }
    }

    fn who_chooses(choice: Choice) -> Self {
        Self::who_says(Answer::Choice(choice))
    }

    /// How often they were asked.
    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Host for Person {
    fn interrupted(&self) -> bool {
        false
    }

    fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::default()
    }

    fn ask(&self, question: Ask) -> Answer {
        self.asked.lock().unwrap().push(question);
        self.answer.clone()
    }

    fn status(&self, _kind: &'static str, _text: String) {}
}

fn desk() -> Desk {
    Desk::new("key", Path::new("/home/x"), Path::new("/work"), &Arc::default())
}

fn desk_with(policy: &Arc<Policy>) -> Desk {
    let desk = desk();
    lock(&desk).set_policy(Arc::clone(policy));
    desk
}

#[track_caller]
fn why(verdict: Verdict) -> String {
    match verdict {
        Verdict::Blocked { why } => why,
        Verdict::Run { .. } => panic!("it runs"),
    }
}

const SILENT: Verdict = Verdict::Run { note: None };

#[test]
fn harmless_commands_run_unasked() {
    let person = Person::who_chooses(Choice::Deny);
    assert_eq!(gate("ls -l", &desk(), &person), SILENT);
    assert_eq!(person.count(), 0);
}

#[test]
fn the_hard_line_holds_against_everything() {
    let policy = Arc::new(Policy::new(Mode::Off, Arc::from(["rm -rf /".to_owned()])));
    let desk = desk_with(&policy);
    lock(&desk).set_yolo(true);
    let person = Person::who_chooses(Choice::Always);
    let why = why(gate("sudo rm -rf /", &desk, &person));
    assert!(why.starts_with("BLOCKED: ") && why.contains("hard line"), "{why}");
    assert!(why.ends_with(NO_WAY_AROUND), "{why}");
    assert!(matches!(gate("rm -rf /", &desk, &person), Verdict::Blocked { .. }));
    assert_eq!(person.count(), 0);
}

#[test]
fn a_question_names_all_findings_and_no_secrets() {
    let person = Person::who_chooses(Choice::Once);
    let command = "git push --force https://h/?token=c4n4ry && rm -rf build";
    let verdict = gate(command, &desk(), &person);
    assert!(matches!(verdict, Verdict::Run { note: Some(note) } if note.contains("user approved") ));
    assert_eq!(
        *person.asked.lock().unwrap(),
        [Ask::Approval {
            command: "git push --force https://h/?token=*** && rm -rf build".to_owned(),
            pattern_key: "recursive delete".to_owned(),
            description: "recursive delete; git forced push".to_owned(),
            allow_permanent: true,
        }]
    );
}

#[test]
fn whatever_is_no_approval_blocks_and_says_which() {
    for (answer, word) in [
        (Answer::Choice(Choice::Deny), "denied"),
        (Answer::TimedOut, "timed out"),
        (Answer::Cancelled, "cancelled"),
        (Answer::Text("once".to_owned()), "denied"),
        (Answer::Secret(Secret::new("once")), "denied"),
    ] {
        let person = Person::who_says(answer);
        let desk = desk();
        for asked in 1..=2 {
            let why = why(gate("rm -rf build", &desk, &person));
            assert!(why.starts_with("BLOCKED: ") && why.contains(word) && why.contains("Silence"), "{why}");
            assert_eq!(person.count(), asked, "a refusal is not remembered as consent");
        }
    }
}

#[test]
fn once_is_once_and_a_session_is_one_session() {
    let desk = desk();
    let once = Person::who_chooses(Choice::Once);
    gate("rm -rf a", &desk, &once);
    gate("rm -rf a", &desk, &once);
    assert_eq!(once.count(), 2);
    let session = Person::who_chooses(Choice::Session);
    gate("rm -rf a; git push -f", &desk, &session);
    assert_eq!(gate("rm -rf b", &desk, &session), SILENT);
    assert_eq!(gate("git push --force", &desk, &session), SILENT);
    assert_eq!(session.count(), 1);
    gate("git reset --hard; rm -rf c", &desk, &session);
    assert!(matches!(&session.asked.lock().unwrap()[1], Ask::Approval { description, .. }
        if description == "git reset --hard"));
    gate("rm -rf b", &self::desk(), &session);
    assert_eq!(session.count(), 3, "another session is asked");
    lock(&desk).clear();
    gate("rm -rf b", &desk, &session);
    assert_eq!(session.count(), 4, "what is cleared is asked about again");
}

#[test]
fn always_is_for_all_sessions_and_is_given_out_to_be_written_down() {
    let policy = Arc::new(Policy::default());
    let person = Person::who_chooses(Choice::Always);
    gate("rm -rf a", &desk_with(&policy), &person);
    assert_eq!(gate("rm -rf b", &desk_with(&policy), &person), SILENT);
    assert_eq!((person.count(), policy.take_new_entries()), (1, vec!["recursive delete".to_owned()]));
}

#[test]
fn what_nobody_can_read_is_never_approved_for_good() {
    let policy = Arc::new(Policy::default());
    let person = Person::who_chooses(Choice::Always);
    gate("echo 'x", &desk_with(&policy), &person);
    gate("echo 'x", &desk_with(&policy), &person);
    assert!(policy.take_new_entries().is_empty());
    assert_eq!(person.count(), 2);
    let asked = person.asked.lock().unwrap();
    assert!(matches!(&asked[0], Ask::Approval { allow_permanent: false, pattern_key, .. }
        if pattern_key == rules::UNREADABLE));
}

#[test]
fn a_guessed_password_is_blocked_even_without_approvals() {
    let person = Person::who_chooses(Choice::Once);
    let desk = desk();
    lock(&desk).set_yolo(true);
    for command in ["echo x | sudo -S ls", "sudo --stdin ls <<< x", "echo x | sudo -kS ls"] {
        assert!(why(gate(command, &desk, &person)).contains("password"), "{command}");
    }
    lock(&desk).set_policy(Arc::new(Policy::default().with_sudo_password()));
    assert_eq!(gate("echo x | sudo -S ls", &desk, &person), SILENT);
    assert_eq!(person.count(), 0);
}

#[test]
fn nobody_is_asked_where_approvals_are_off_or_given_before() {
    let person = Person::who_chooses(Choice::Deny);
    let desk = desk();
    lock(&desk).set_yolo(true);
    assert_eq!(gate("rm -rf x", &desk, &person), SILENT);
    let off = desk_with(&Arc::new(Policy::new(Mode::Off, Arc::default())));
    assert_eq!(gate("rm -rf x", &off, &person), SILENT);
    let entries: Arc<[String]> = ["rm -rf x*", "git forced push"].map(str::to_owned).into();
    let listed = desk_with(&Arc::new(Policy::new(Mode::Manual, entries)));
    assert_eq!(gate("rm -rf xyz", &listed, &person), SILENT);
    assert_eq!(gate("git push -f", &listed, &person), SILENT);
    assert_eq!(person.count(), 0);
    assert!(matches!(gate("rm -rf x; rm -rf y", &listed, &person), Verdict::Blocked { .. }));
}

#[test]
fn without_an_auxiliary_model_smart_is_a_person() {
    let person = Person::who_chooses(Choice::Once);
    let desk = desk_with(&Arc::new(Policy::new(Mode::Smart, Arc::default())));
    gate("rm -rf x", &desk, &person);
    assert_eq!(person.count(), 1);
}
